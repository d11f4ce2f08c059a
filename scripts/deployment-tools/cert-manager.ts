import { goRemedy } from '../tools/go.js';
import { buildFromOwnModule } from './own-module.js';
import { certManagerRelease } from './releases.js';
import type { Tool } from './tool.js';

/** The parts of its controller that issue certificates of a CA inside the cluster. */
export const certManager: Tool = {
  name: 'cert-manager-controller',
  version: certManagerRelease,
  files: ['cert-manager-controller'],
  checks: 'the certificates of the services, as cert-manager issues them',
  remedy: goRemedy,
  install: (workshop) =>
    buildFromOwnModule(workshop, {
      require: { module: 'github.com/cert-manager/cert-manager', version: certManagerRelease },
      packages: { 'cert-manager-controller': 'tools/cert-manager-controller' },
    }),
};
