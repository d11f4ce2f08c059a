import { suites } from '../../scripts/deployment-tools/suites.js';
import { inventoryFile } from '../../scripts/observability-tools/inventory.js';
import { toolNames as stackNames } from '../../scripts/observability-tools/tool.js';
import { isHere, unverified } from '../deployments/tools.js';
import type { Unverified } from '../unverified.js';

/** Whether images of the observability stack can be had one way or the other. */
function isStackHere(): boolean {
  const inventory = inventoryFile.read();
  return stackNames.every((name) => {
    const found = inventory[name];
    return found !== undefined && 'programs' in found;
  });
}

/** Whether containers can run here. */
export function canRun(): boolean {
  return suites.containers.every(isHere) && isStackHere();
}

const stack: Unverified = {
  name: 'stack',
  what: 'the compose file in a container engine',
  reason: 'not all programs of the observability stack are here',
  remedy: 'make observability-tools',
};

const originals: Unverified = {
  name: 'images-of-others',
  what: 'Grafana, Alpine, and the images of others themselves',
  reason: 'no registry of images can be reached, so programs of this machine stand in for them',
  remedy: 'a registry of images',
};

/** What a run does not show, by what is here and by whether something stood in for images of others. */
export function notSeen(hasStandIns: boolean): Unverified[] {
  const missing = unverified(suites.containers);
  if (missing.length > 0) return missing;
  if (!isStackHere()) return [stack];
  return hasStandIns ? [originals] : [];
}
