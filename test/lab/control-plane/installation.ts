import { readdirSync } from 'node:fs';
import path from 'node:path';
import { fileOf } from '../requirements.js';
import type { ControlPlane } from './control-plane.js';

export const namespace = 'order-processing';

/** Creates the CustomResourceDefinitions of cert-manager, but starts no controller. */
export function addCertManager(cluster: ControlPlane): void {
  const folder = fileOf('schemas', 'crds');
  for (const name of readdirSync(folder)) cluster.kubectl(['create', '-f', path.join(folder, name)]);
  cluster.kubectl(['wait', '--for=condition=Established', '--timeout=60s', 'crd', '--all']);
}
