import type { OperatorAction, SagaOrder } from '../domain.js';
import type { ResolutionPort } from '../operator/resolution.js';

/** Payment service that agrees with every resolution. */
export class FakeResolutions implements ResolutionPort {
  /** The checked resolutions, with the orders as they were at the call. */
  readonly checked: { readonly order: SagaOrder; readonly action: OperatorAction }[] = [];
  /** Runs during each check, and may throw. */
  duringCheck: () => Promise<void> = async () => undefined;

  async check(order: SagaOrder, action: OperatorAction): Promise<void> {
    await this.duringCheck();
    this.checked.push({ order, action });
  }
}
