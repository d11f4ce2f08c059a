import { announce, assertMayLack } from '../unverified.js';
import { notSeen } from './needs.js';
import { usedStandIns } from './stand-ins.js';

export const mochaHooks = {
  afterAll(): void {
    const all = notSeen(usedStandIns());
    announce(all);
    assertMayLack(all);
  },
};
