import { suites } from '../../scripts/deployment-tools/suites.js';
import { announce, assertMayLack } from '../unverified.js';
import { unverified } from './tools.js';

export const mochaHooks = {
  afterAll(): void {
    const all = unverified(suites.deployments);
    announce(all);
    assertMayLack(all);
  },
};
