import { tryPlace, orderRequest } from '../../cmd/test-client/shop.js';
import { aProduct } from './orders.js';
import type { World } from '../../cmd/test-client/world.js';
import { running } from './verification.js';
import { eventually } from './waiting.js';

const attempts = 8;

/**
 * A CreateOrder that fails because a service that it needs was killed just before, and is back when this
 * resolves.
 * @returns its trace id
 */
export async function callThatFails(): Promise<string> {
  const { world, dev } = running('system');
  if (!dev) throw new Error('the services are not ours to kill');
  const product = await aProduct();
  const [client] = world.connections(1, { retry: false });
  if (!client) throw new Error('no client');
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    await dev.kill('catalog-service');
    const request = orderRequest(world, { customer: 'bob', items: [[product, 1]] });
    const answer = await tryPlace(world, request, { client });
    await dev.restarted('catalog-service');
    await reconnected(world);
    // The service may have been back so soon that the call was served.
    if (answer.error?.reason === 'DEPENDENCY_UNAVAILABLE') return answer.traceId;
  }
  throw new Error(`${attempts} calls did not fail although the catalog service had been killed`);
}

/** Channels wait a little before they connect anew. */
async function reconnected({ clients }: World): Promise<void> {
  const ask = { pageSize: 1, pageToken: '' };
  const works = (): Promise<true | undefined> =>
    clients.catalog.listProducts(ask).then(
      () => true,
      () => undefined,
    );
  await eventually('the catalog service to answer again', works);
}
