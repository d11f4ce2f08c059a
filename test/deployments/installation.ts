import { readdirSync } from 'node:fs';
import path from 'node:path';
import type { ControlPlane } from './control-plane.js';
import { fileOf } from './tools.js';

export const namespace = 'order-processing';

/** The kinds of cert-manager, without its controllers. */
export function addCertManager(cluster: ControlPlane): void {
  const folder = fileOf('schemas', 'crds');
  for (const name of readdirSync(folder)) cluster.kubectl(['create', '-f', path.join(folder, name)]);
  cluster.kubectl(['wait', '--for=condition=Established', '--timeout=60s', 'crd', '--all']);
}
