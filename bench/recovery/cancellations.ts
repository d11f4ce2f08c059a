import { OrderState } from '../../pkg/pb/order/v1/order.js';
import { uuidv7 } from '../../pkg/runtime/index.js';
import {
  atMost,
  countOrders,
  exactly,
  place,
  placeAccepted,
  repeat,
  startRecoverySystem,
  timeUntil,
  type Scenario,
} from './scenario.js';

const cancellations = 60;
const inFlight = 4;
/** New orders in flight while the cancellations are carried out; fewer than the limit. */
const newOrders = 2;
const timeoutMs = 60_000;

export const cancellationsBesideOrders: Scenario = {
  name: `${cancellations} cancellations at a limit of ${inFlight} orders in progress`,
  async run(run) {
    const { system, orders, client } = await startRecoverySystem(run, {
      replicas: { order: 1, inventory: 1, payment: 1, catalog: 1 },
      settings: () => ({ ORDER_MAX_IN_FLIGHT: String(inFlight), PAYMENT_GATEWAY_LATENCY: '100ms' }),
    });
    const buyer = client(system.targets.order);
    const placed = await repeat(cancellations, newOrders, () => placeAccepted(buyer, {}));
    const isOpen = { value: true };
    const counts = { placed: 0, rejected: 0 };
    const intake = repeat(newOrders, newOrders, async () => {
      while (isOpen.value) {
        const result = await place(buyer);
        if (typeof result === 'object') counts.placed += 1;
        else counts.rejected += 1;
      }
    });
    const answers = await Promise.all(
      placed.map(({ orderId, customerId }) =>
        buyer
          .cancelOrder({ requestId: uuidv7(), orderId, customerId, reason: 'benchmark' })
          .then(({ order }) => order?.state ?? OrderState.UNSPECIFIED),
      ),
    );
    const cancelledMs = await timeUntil(
      async () => (await countOrders(orders, 'CANCELLED')) === cancellations,
      timeoutMs,
    );
    isOpen.value = false;
    await intake;
    const accepted = answers.filter(
      (state) => state === OrderState.CANCELLING || state === OrderState.CANCELLED,
    ).length;
    return [
      atMost(`new orders rejected of ${counts.placed + counts.rejected}`, counts.rejected, 0),
      exactly('cancellations accepted', accepted, cancellations),
      atMost('all orders cancelled', cancelledMs / 1000, timeoutMs / 1000 - 0.01, ' s'),
    ];
  },
};
