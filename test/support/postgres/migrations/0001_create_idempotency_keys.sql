create table idempotency_keys (
  scope text not null,
  request_id text not null,
  fingerprint bytea not null,
  response jsonb,
  created_at timestamptz not null default now(),
  primary key (scope, request_id)
);

create index idempotency_keys_created_at on idempotency_keys (created_at);
