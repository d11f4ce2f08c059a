import { fileURLToPath } from 'node:url';
import { type Queryable, sql } from '../database.js';
import type { MigrationSet } from '../migrate.js';

/** A small schema for the tests of this package: accounts with balances, and idempotency keys. */
export const exampleMigrations: MigrationSet = {
  directory: fileURLToPath(new URL('migrations', import.meta.url)),
};

const insert = sql('example.insert', 'insert into accounts (id, balance) values ($1, $2)');
const add = sql('example.add', 'update accounts set balance = balance + $2 where id = $1 returning balance');
const read = sql('example.read', 'select balance from accounts where id = $1');
const pid = sql('example.pid', 'select pg_backend_pid() as pid');
const terminate = sql('example.terminate', 'select pg_terminate_backend($1)');

export async function openAccount(db: Queryable, id: string, balance = 0n): Promise<void> {
  await db.query(insert, [id, balance]);
}

export async function deposit(db: Queryable, id: string, amount: bigint): Promise<void> {
  await db.query(add, [id, amount]);
}

/** Undefined when there is no such account. */
export async function balanceOf(db: Queryable, id: string): Promise<bigint | undefined> {
  const [row] = await db.query<{ balance: bigint }>(read, [id]);
  return row?.balance;
}

/** Process id of the server's end of a connection. */
export async function backendPid(db: Queryable): Promise<number> {
  const [row] = await db.query<{ pid: number }>(pid);
  return row?.pid ?? 0;
}

/** Cuts a connection from the server's side, as a restart would. */
export async function terminateBackend(db: Queryable, backend: number): Promise<void> {
  await db.query(terminate, [backend]);
}
