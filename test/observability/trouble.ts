import { tryPlaceOrder, orderRequest } from '../../cmd/test-client/context/actions.js';
import { aProduct } from './orders.js';
import type { ScenarioContext } from '../../cmd/test-client/context/scenario-context.js';
import { running } from './running.js';
import { eventually } from './waiting.js';

const attempts = 8;

/**
 * Kills the catalog service and then calls CreateOrder. Repeats both steps until a call fails. Afterwards, the catalog
 * service runs again.
 * @returns the trace id of the failed call
 */
export async function callThatFails(): Promise<string> {
  const { context, dev } = running('system');
  if (!dev) throw new Error('this test did not start the services');
  const product = await aProduct();
  const [client] = context.connections(1, { retry: false });
  if (!client) throw new Error('no client');
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    await dev.kill('catalog-service');
    const request = orderRequest(context, { customer: 'bob', items: [[product, 1]] });
    const answer = await tryPlaceOrder(context, request, { client });
    await dev.restarted('catalog-service');
    await reconnected(context);
    // The call succeeds if the catalog service has restarted before the call reaches it.
    if (answer.error?.reason === 'DEPENDENCY_UNAVAILABLE') return answer.traceId;
  }
  throw new Error(`${attempts} calls did not fail although the catalog service had been killed`);
}

/** Waits until a call to the catalog service succeeds, because channels wait before they reconnect. */
async function reconnected({ clients }: ScenarioContext): Promise<void> {
  const ask = { pageSize: 1, pageToken: '' };
  const works = (): Promise<true | undefined> =>
    clients.catalog.listProducts(ask).then(
      () => true,
      () => undefined,
    );
  await eventually('response of the catalog service', works);
}
