-- A queue of messages with a visibility timeout, as pgmq and SQS have it: who reads a message hides
-- it for a while, gets a receipt, and removes it with the receipt when it is done.
CREATE TABLE message (
    id          bigserial PRIMARY KEY,
    visible_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    reads       int NOT NULL DEFAULT 0,
    receipt     bigint
);
CREATE SEQUENCE receipts;
