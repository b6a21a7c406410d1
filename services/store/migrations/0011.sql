-- How many of the answers to a delivery were told, the first ones: what handles it again begins behind them.
ALTER TABLE inbox ADD COLUMN told INTEGER NOT NULL DEFAULT 0;
