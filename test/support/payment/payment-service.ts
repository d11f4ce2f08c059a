import { PaymentBatches, PaymentService, type PaymentDeps } from '../../../pkg/payment/index.js';

/** Returns a payment service with batches of its own, like one replica. */
export function aPaymentService(deps: PaymentDeps): PaymentService {
  const batching = { maxItems: 64 };
  const batches = new PaymentBatches(deps.db, { batching, leaseMs: deps.times.leaseMs });
  return new PaymentService({ ...deps, batches });
}
