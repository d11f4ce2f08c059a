import type { OperatorAction, SagaOrder } from '../domain.js';
import type { ResolutionPort } from '../operator/resolution.js';

/** Payment and inventory services that agree with every resolution. */
export class FakeResolutions implements ResolutionPort {
  /** The applied resolutions, with the orders as they were at the call. */
  readonly applied: { readonly order: SagaOrder; readonly action: OperatorAction }[] = [];
  /** Runs during each call, and may throw. */
  duringCall: () => Promise<void> = async () => undefined;

  async apply(order: SagaOrder, action: OperatorAction): Promise<void> {
    await this.duringCall();
    this.applied.push({ order, action });
  }
}
