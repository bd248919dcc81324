-- What the newest run noted of each control: when it was tested, how often it fired, was overridden or failed.
SELECT name, document FROM facts WHERE name LIKE 'policy.%' ORDER BY name
