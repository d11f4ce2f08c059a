import { expect } from 'chai';
import { DeployError, type Kubectl } from './kubectl.js';
import { assertRemovable, assertSameOverlay } from './overlay.js';

/** Returns a cluster whose record names the overlay `recorded`, or a cluster without a record if `recorded` is empty. */
function target(recorded: string) {
  const get = () => (recorded === '' ? undefined : { data: { overlay: recorded } });
  return { kubectl: { get } as unknown as Kubectl, namespace: 'order-processing' };
}

type Case = readonly [recorded: string, overlay: string, confirmed: string, rejected?: string];

function check(assert: typeof assertSameOverlay, cases: readonly Case[]): void {
  for (const [recorded, overlay, confirmed, rejected] of cases)
    it(`${rejected === undefined ? 'allows' : 'rejects'} OVERLAY=${overlay} CONFIRM='${confirmed}' when the recorded overlay is '${recorded}'`, () => {
      const act = () => assert(target(recorded), overlay, confirmed);
      if (rejected === undefined) expect(act).not.to.throw();
      else expect(act).to.throw(DeployError, rejected);
    });
}

describe('deploying over an overlay', () => {
  check(assertSameOverlay, [
    ['', 'dev', ''],
    ['production', 'production', ''],
    ['production', 'dev', '', 'the cluster has the overlay production, not dev'],
    ['staging', 'dev', 'production', 'CONFIRM=staging'],
    ['staging', 'dev', 'staging'],
  ]);
});

describe('removing an overlay', () => {
  check(assertRemovable, [
    ['', 'dev', ''],
    ['dev', 'dev', ''],
    ['production', 'dev', 'order-processing', 'OVERLAY=production'],
    ['staging', 'dev', 'staging', 'OVERLAY=staging'],
    ['production', 'production', '', 'CONFIRM=order-processing'],
    ['', 'production', '', 'CONFIRM=order-processing'],
    ['production', 'production', 'order-processing'],
  ]);
});
