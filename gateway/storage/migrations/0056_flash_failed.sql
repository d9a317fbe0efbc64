-- hỏa tốc that was refused or given up
CREATE INDEX delivery_flash_failed ON delivery (state_at) WHERE priority > 2 AND state IN ('dead', 'refused');
