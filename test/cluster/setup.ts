import { suites } from '../../scripts/deployment-tools/suites.js';
import { unverified } from '../deployments/tools.js';
import { announce, assertMayLack } from '../unverified.js';
import { notSeen } from './not-seen.js';

export const mochaHooks = {
  afterAll(): void {
    const missing = unverified(suites.cluster);
    announce(missing.length > 0 ? missing : notSeen);
    assertMayLack(missing);
  },
};
