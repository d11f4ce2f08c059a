// Load generator. Runs in a pod with the image of test-client until SIGTERM. Half of the callers keep their connections.
// The last line of the output is JSON: the interface `Ended` in load.ts describes the fields.
import { randomUUID } from 'node:crypto';
import { env } from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';

const { openClients } = await import('/app/dist/cmd/test-client/context/clients.js');
const { plainTransport } = await import('/app/dist/pkg/rpc/index.js');
const { OrderState } = await import('/app/dist/pkg/pb/order/v1/order.js');

const workers = 4;
const finishMs = 60_000;
const reconnectMs = 5000;
const addresses = {
  order: env.ORDER_SERVICE_ADDR,
  inventory: env.INVENTORY_SERVICE_ADDR,
  payment: env.PAYMENT_SERVICE_ADDR,
  catalog: env.CATALOG_SERVICE_ADDR,
};
// The gRPC channel does not retry, so that every failed call is counted.
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

/** Workers with an odd number reconnect every few seconds, so that DNS lookups also happen while pods start and end. */
async function work(number) {
  let own = openClients(addresses, options);
  let connected = Date.now();
  let isNew = false;
  while (!isOver) {
    await visit(own, `load-${number}`);
    if (isNew) process.stdout.write(`reconnected: ${number}\n`);
    isNew = false;
    await pause(50);
    if (number % 2 === 0 || Date.now() - connected < reconnectMs) continue;
    for (const client of Object.values(own)) client.close();
    own = openClients(addresses, options);
    connected = Date.now();
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

/** Waits until all acknowledged orders are terminal, at most `finishMs`. Then returns the number of orders by state. */
async function outcomes() {
  const ended = Date.now() + finishMs;
  const found = {};
  const unfinished = [];
  for (const orderId of orders.keys()) {
    let state = await stateOf(orderId);
    while (!isTerminal(state) && Date.now() < ended) {
      await pause(200);
      state = await stateOf(orderId);
    }
    found[state] = (found[state] ?? 0) + 1;
    if (!isTerminal(state)) unfinished.push(orderId);
  }
  return { orders: found, unfinished };
}

async function stateOf(orderId) {
  const { order } = await clients.order.getOrder({ orderId, customerId: '' }).catch(() => ({}));
  return order ? OrderState[order.state] : 'lost';
}

function isTerminal(state) {
  return ['CONFIRMED', 'REJECTED', 'CANCELLED'].includes(state);
}

process.once('SIGTERM', () => (isOver = true));
await start();
process.stdout.write('started\n');
await Promise.all(Array.from({ length: workers }, (_, number) => work(number)));
// A pipe takes long output in parts, so the process exits after the last part. The first failures are enough to find a cause.
const result = { ...calls, failed: calls.failed.slice(0, 100), ...(await outcomes()) };
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit());
