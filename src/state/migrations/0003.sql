-- Whether a run judged and delivered everything: one that ends with 1 may have failed in that, too.
ALTER TABLE run ADD COLUMN complete INTEGER;
