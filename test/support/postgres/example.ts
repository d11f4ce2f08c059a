import { fileURLToPath } from 'node:url';
import type { Queryable } from '../../../pkg/postgres/database.js';
import type { MigrationSet } from '../../../pkg/postgres/migrations/migrate.js';
import { sql } from '../../../pkg/postgres/statement.js';

/** Migrations of an example schema with accounts and idempotency keys. */
export const exampleMigrations: MigrationSet = {
  directory: fileURLToPath(new URL('migrations', import.meta.url)),
};

const insert = sql('example.insert', 'insert into accounts (id, balance) values ($id, $balance)');
const add = sql(
  'example.add',
  'update accounts set balance = balance + $amount where id = $id returning balance',
);
const read = sql('example.read', 'select balance from accounts where id = $id');
const pid = sql('example.pid', 'select pg_backend_pid() as pid');
const terminate = sql('example.terminate', 'select pg_terminate_backend($backend)');

export async function openAccount(db: Queryable, id: string, balance = 0n): Promise<void> {
  await db.query(insert({ id, balance }));
}

export async function deposit(db: Queryable, id: string, amount: bigint): Promise<void> {
  await db.query(add({ id, amount }));
}

/** Returns the balance of an account, or undefined if the account does not exist. */
export async function balanceOf(db: Queryable, id: string): Promise<bigint | undefined> {
  const [row] = await db.query<{ balance: bigint }>(read({ id }));
  return row?.balance;
}

/** Returns the process id of the server session that runs the query. */
export async function backendPid(db: Queryable): Promise<number> {
  const [row] = await db.query<{ pid: number }>(pid());
  return row?.pid ?? 0;
}

/** Terminates a server session, as a restart of the server does. */
export async function terminateBackend(db: Queryable, backend: number): Promise<void> {
  await db.query(terminate({ backend }));
}
