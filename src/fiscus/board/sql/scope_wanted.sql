SELECT
        unnest($id_{{n}}) AS id,
        unnest($currency_{{n}}) AS currency,
        unnest($billed_{{n}}) AS with_billed,
        unnest($tax_{{n}}) AS with_tax,
        unnest($credits_{{n}}) AS with_credits,
        unnest($capped_{{n}}) AS capped,
        {{values}}
        CAST(unnest($first_{{n}}) AS DATE) AS first_day
