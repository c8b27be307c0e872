CREATE TABLE purchases AS
SELECT
  user_id,
  visited_at + INTERVAL 120 SECOND AS purchased_at,
  CASE WHEN draw('status', n, d) < 0.93 THEN 'paid'
       WHEN draw('status', n, d) < 0.98 THEN 'refunded'
       ELSE 'cancelled' END AS status,
  1 + floor(4 * draw('items', n, d) ** 2)::INTEGER AS items,
  round(exp(3.3 + 0.6 * sqrt(-2 * ln(1 - draw('radius', n, d))) * cos(2 * pi() * draw('angle', n, d))), 2)
    AS total_eur
FROM journeys
WHERE draw('buy', n, d) < (0.03 + 0.25 * wallet * wallet)
  * if(bold, $bold, 1) * if(one_page, $one_page, 1) * if(recommended, $recommended, 1);
