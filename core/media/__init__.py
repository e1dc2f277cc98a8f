"""Pictures in and out: exact times, honest colours; knows no network."""
