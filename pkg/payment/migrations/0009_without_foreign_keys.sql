-- Each check of a foreign key reads and locks the row of the payment or charge. The statement that inserts an entry or
-- a refund also inserts or locks this row, and neither payments nor charges are deleted.
alter table payment_ledger drop constraint payment_ledger_payment_id_fkey;
alter table gateway_ledger drop constraint gateway_ledger_charge_key_fkey;
alter table gateway_refunds drop constraint gateway_refunds_charge_key_fkey;
