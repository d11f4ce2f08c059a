import { sql } from '../../pkg/postgres/index.js';
import { uuidv7 } from '../../pkg/runtime/index.js';
import type { Cell, Timing } from '../cell.js';
import { ownWork, type ReferenceServer } from './own-work.js';

/*
 * Reference: the rows of a confirmed order of one line, written durably by one connection in transactions of 64 orders.
 * The statement generates the rows from their ids, so that nothing but writing them is measured.
 *
 * This file is pinned: ratios of different versions are comparable only while it does not change.
 */

const ordersPerTransaction = 64;

const createTables = sql(
  'floor.create_tables',
  `create schema floor
     create table orders (id uuid primary key, customer text, request_id text, fingerprint bytea, state text, total bigint,
       method text, reservation_id uuid, payment_id uuid, at timestamptz default now(), unique (customer, request_id))
     create table lines (order_id uuid, sku text, quantity bigint, price bigint, primary key (order_id, sku))
     create table timeline (order_id uuid, revision int, from_state text, to_state text, step text, trace_id text,
       at timestamptz default now(), primary key (order_id, revision))
     create table reservations (id uuid primary key, state text, fingerprint bytea, at timestamptz default now())
     create table reserved (id uuid, sku text, quantity bigint, primary key (id, sku))
     create table movements (id bigint generated always as identity primary key, sku text, delta bigint,
       reservation_id uuid, at timestamptz default now())
     create table payments (id uuid primary key, order_id uuid unique, amount bigint, fingerprint bytea, state text,
       reference text, at timestamptz default now())
     create table ledger (id bigint generated always as identity primary key, owner text, payment_id uuid, kind text,
       amount bigint, at timestamptz default now(), unique (owner, payment_id, kind))
     create index on orders (customer, id desc)`,
);

const insertOrders = sql(
  'floor.insert_orders',
  `with ids as (select id, sha256(id::text::bytea) as hash from unnest($ids::uuid[]) id),
     o as (insert into floor.orders
       select id, 'customer', id::text, hash, 'CONFIRMED', 1000, 'pm_approve', id, id from ids),
     l as (insert into floor.lines select id, 'sku', 1, 1000 from ids),
     t as (insert into floor.timeline
       select id, revision, 'PENDING', 'PENDING', 'RESERVE_STOCK', md5('') from ids, generate_series(1, 6) revision),
     r as (insert into floor.reservations select id, 'COMMITTED', hash from ids),
     i as (insert into floor.reserved select id, 'sku', 1 from ids),
     m as (insert into floor.movements (sku, delta, reservation_id) select 'sku', -1, id from ids),
     p as (insert into floor.payments select id, id, 1000, hash, 'CAPTURED', id::text from ids)
   insert into floor.ledger (owner, payment_id, kind, amount)
     select owner, id, kind, 1000
     from ids, unnest(array['shop', 'gateway']) owner, unnest(array['AUTHORIZE', 'CAPTURE']) kind`,
);

export async function postgresFloor(name: string, server: ReferenceServer, timing: Timing): Promise<Cell> {
  const { database } = await server.open('floor', 1);
  await database.query(createTables());
  const work = async (end: number): Promise<number> => {
    let orders = 0;
    for (; performance.now() < end; orders += ordersPerTransaction)
      await database.query(
        insertOrders({ ids: Array.from({ length: ordersPerTransaction }, () => uuidv7()) }),
      );
    return orders;
  };
  return ownWork({ name, processes: new Map([[server.pid, 'postgres']]), work }, timing);
}
