// Runs in a pod with the image of test-client until SIGTERM: callers, half of them with long-lived connections.
// Its last line tells what became of every call and every order.
import { randomUUID } from 'node:crypto';
import { env } from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';

const { openClients } = await import('/app/dist/cmd/test-client/clients.js');
const { plainTransport } = await import('/app/dist/pkg/rpc/transport.js');
const { OrderState } = await import('/app/dist/pkg/pb/order/v1/order.js');

const workers = 4;
const restMs = 60_000;
const renewMs = 5000;
const addresses = {
  order: env.ORDER_SERVICE_ADDR,
  inventory: env.INVENTORY_SERVICE_ADDR,
  payment: env.PAYMENT_SERVICE_ADDR,
  catalog: env.CATALOG_SERVICE_ADDR,
};
// The channel repeats nothing: a call that breaks is seen.
const options = { signal: new AbortController().signal, transport: plainTransport, retry: false };
const clients = openClients(addresses, options);
const sku = `load-${randomUUID()}`;
const calls = { answered: 0, failed: [] };
const orders = new Map();
let isOver = false;

async function call(name, send) {
  try {
    const answer = await send();
    calls.answered++;
    return answer;
  } catch (error) {
    calls.failed.push(`${new Date().toISOString()} ${name} ${error.reason} ${error.cause?.details ?? ''}`);
    return undefined;
  }
}

/** Every other worker connects anew now and then: whenever a pod ends, somebody has looked up its name just before. */
async function work(number) {
  let own = openClients(addresses, options);
  let renewed = Date.now();
  let isNew = false;
  while (!isOver) {
    await visit(own, `load-${number}`);
    if (isNew) process.stdout.write(`connected anew: ${number}\n`);
    isNew = false;
    await pause(50);
    if (number % 2 === 0 || Date.now() - renewed < renewMs) continue;
    for (const client of Object.values(own)) client.close();
    own = openClients(addresses, options);
    renewed = Date.now();
    isNew = true;
  }
}

async function visit({ order, catalog, inventory }, customerId) {
  const items = [{ sku, quantity: 1n }];
  const request = { requestId: randomUUID(), customerId, items, paymentMethod: 'pm_approve' };
  const created = await call('createOrder', () => order.createOrder(request));
  if (created) orders.set(created.order.orderId, created.order.state);
  await call('getProduct', () => catalog.getProduct({ sku }));
  await call('getStock', () => inventory.getStock({ sku, view: 0 }));
}

async function start() {
  const product = {
    sku,
    name: sku,
    description: '',
    price: { currencyCode: 'USD', units: 1n, nanos: 0 },
    revision: 0n,
  };
  await clients.catalog.createProduct({ requestId: randomUUID(), product });
  await clients.inventory.adjustStock({ requestId: randomUUID(), sku, delta: 1_000_000n, reason: 'load' });
}

/** What became of the orders that were acknowledged, when all are at rest or the time is up. */
async function outcomes() {
  const ended = Date.now() + restMs;
  const found = {};
  const unfinished = [];
  for (const orderId of orders.keys()) {
    let state = await stateOf(orderId);
    while (!isAtRest(state) && Date.now() < ended) {
      await pause(200);
      state = await stateOf(orderId);
    }
    found[state] = (found[state] ?? 0) + 1;
    if (!isAtRest(state)) unfinished.push(orderId);
  }
  return { orders: found, unfinished };
}

async function stateOf(orderId) {
  const { order } = await clients.order.getOrder({ orderId, customerId: '' }).catch(() => ({}));
  return order ? OrderState[order.state] : 'lost';
}

function isAtRest(state) {
  return ['CONFIRMED', 'REJECTED', 'CANCELLED'].includes(state);
}

process.once('SIGTERM', () => (isOver = true));
await start();
process.stdout.write('started\n');
await Promise.all(Array.from({ length: workers }, (_, number) => work(number)));
process.stdout.write(`${JSON.stringify({ ...calls, ...(await outcomes()) })}\n`);
process.exit();
