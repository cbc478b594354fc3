-- Which alert addresses an incident was delivered to while another one failed, so that they are not told again.

ALTER TABLE incident ADD COLUMN told text[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN incident.told IS 'Marks of the addresses, from which these cannot be made.';
