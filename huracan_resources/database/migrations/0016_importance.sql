-- What an input adds in wins and in losses, how its part moved over nights, and whether it drifted.

ALTER TABLE feature_importance
    ADD COLUMN mean_contribution double precision,
    ADD COLUMN contribution_share double precision,
    ADD COLUMN contribution_in_wins double precision,
    ADD COLUMN contribution_in_losses double precision,
    ADD COLUMN up_in_wins double precision,
    ADD COLUMN up_in_losses double precision,
    ADD COLUMN is_misleading boolean,
    ADD COLUMN nights bigint,
    ADD COLUMN trend_per_night double precision,
    ADD COLUMN decay double precision,
    ADD COLUMN drift_psi double precision,
    ADD COLUMN drift_trades double precision,
    ADD COLUMN drift_psi_by_chance double precision;
