/**
 * The tables, step by step: step N brings a store from version N to N + 1, and a released step never changes.
 * The text is common to SQLite and PostgreSQL: text and bigint columns, JSON as text, times in epoch milliseconds.
 */
export const migrations: readonly string[] = [
  `
create table people (
  username text primary key,
  folded text not null unique,
  user_handle text not null unique,
  created_at bigint not null
);
create table passkeys (
  credential_id text primary key,
  username text not null references people (username),
  algorithm text not null,
  public_key text not null,
  sign_count bigint not null,
  backup_eligible bigint not null,
  created_at bigint not null,
  revoked_at bigint
);
create index passkeys_of_person on passkeys (username);
create table api_keys (
  id text primary key,
  secret_hash text not null,
  kind text not null,
  note text not null,
  scope text,
  created_at bigint not null,
  revoked_at bigint
);
create table invites (
  code_hash text primary key,
  note text not null,
  username text,
  max_uses bigint not null,
  uses bigint not null,
  expires_at bigint not null
);
create table challenges (
  challenge text primary key,
  purpose text not null,
  subject text not null,
  expires_at bigint not null,
  used_at bigint
);
create index challenges_by_purpose on challenges (purpose, expires_at);
create table sessions (
  token_hash text primary key,
  credential_id text not null references passkeys (credential_id),
  expires_at bigint not null
);
create table confirmations (
  id text primary key,
  username text not null references people (username),
  action text not null,
  payload text not null,
  payload_hash text not null,
  scope text not null,
  target text,
  nonce text not null,
  status text not null,
  created_at bigint not null,
  expires_at bigint not null,
  decide_by bigint,
  decided_at bigint,
  credential_id text references passkeys (credential_id),
  assertion text
);
create index confirmations_of_payload on confirmations (payload_hash);
create index confirmations_of_person on confirmations (username, status, expires_at);
create index confirmations_by_time on confirmations (username, created_at);
create index confirmations_of_target on confirmations (target, status, expires_at);
create table idempotency_keys (
  api_key_id text not null references api_keys (id),
  idempotency_key text not null,
  body_hash text not null,
  confirmation_id text not null references confirmations (id),
  primary key (api_key_id, idempotency_key)
);
create table redemptions (
  payload_hash text primary key,
  key_hash text not null,
  run_id text not null,
  run_attempt text not null,
  job text not null,
  redeemed_at bigint not null
);
`,
  `
alter table confirmations add column attested text;
alter table confirmations add column requester text;
alter table confirmations add column revocation text;
alter table confirmations add column revoked_at bigint;
create index confirmations_of_requester on confirmations (requester, created_at);
alter table redemptions add column target text;
update redemptions set target =
  (select max(target) from confirmations where confirmations.payload_hash = redemptions.payload_hash);
create index redemptions_of_target on redemptions (target, redeemed_at, payload_hash);
create table repositories (
  id text primary key,
  provider text not null,
  issuer text not null,
  repository_id text not null,
  services text not null,
  environments text not null,
  note text not null,
  created_at bigint not null,
  unique (issuer, repository_id)
);
create table used_tokens (
  issuer text not null,
  token_id text not null,
  call text not null,
  payload_hash text,
  expires_at bigint not null,
  primary key (issuer, token_id)
);
create index used_tokens_by_time on used_tokens (expires_at);
create table idempotency (
  requester text not null,
  idempotency_key text not null,
  body_hash text not null,
  confirmation_id text not null references confirmations (id),
  primary key (requester, idempotency_key)
);
insert into idempotency (requester, idempotency_key, body_hash, confirmation_id)
  select api_key_id, idempotency_key, body_hash, confirmation_id from idempotency_keys;
drop table idempotency_keys;
alter table idempotency rename to idempotency_keys;
`,
];
