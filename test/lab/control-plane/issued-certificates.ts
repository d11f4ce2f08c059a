import { spawn } from 'node:child_process';
import { openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { ControlPlane } from './control-plane.js';
import { namespace } from './installation.js';
import { fileOf } from '../requirements.js';

/** PEM texts of a Secret that cert-manager has written. */
export interface Issued {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/**
 * Starts the cert-manager controller. The CustomResourceDefinitions of cert-manager must exist.
 * @returns a function that stops the controller
 */
export function startCertManager({ folder, kubeconfig }: ControlPlane): () => Promise<void> {
  const log = openSync(path.join(folder, 'cert-manager.log'), 'w');
  const child = spawn(fileOf('cert-manager-controller'), [kubeconfig], {
    stdio: ['ignore', log, log],
  });
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
  });
  return () => {
    child.kill('SIGTERM');
    return ended;
  };
}

/**
 * Waits until every Certificate is ready.
 * @throws Error with the end of the controller's log when the wait exceeds 90 s
 */
export function awaitCertificates(cluster: ControlPlane): void {
  const every = ['--for=condition=Ready', 'certificate', '--all', '-n', namespace];
  try {
    cluster.kubectl(['wait', '--timeout=90s', ...every]);
  } catch (error) {
    const log = readFileSync(path.join(cluster.folder, 'cert-manager.log'), 'utf8').trimEnd();
    throw new Error(log.split('\n').slice(-10).join('\n'), { cause: error });
  }
}

/** Reads the files that the pods of `name` mount at /etc/tls. */
export function issuedTo(cluster: ControlPlane, name: string, secretName = `${name}-tls`): Issued {
  const secret = cluster.kubectl(['get', 'secret', secretName, '-n', namespace, '-o', 'json']);
  const { data } = JSON.parse(secret) as { readonly data: Readonly<Record<string, string>> };
  const text = (file: string): string => Buffer.from(data[file] ?? '', 'base64').toString();
  return { cert: text('tls.crt'), key: text('tls.key'), ca: text('ca.crt') };
}

/** Renews a certificate as `cmctl renew` does. */
export function renew(cluster: ControlPlane, name: string): void {
  const condition = { type: 'Issuing', status: 'True', reason: 'ManuallyTriggered', message: 'by a test' };
  const place = ['certificate', name, '-n', namespace, '--subresource=status', '--type=merge'];
  cluster.kubectl(['patch', ...place, '-p', JSON.stringify({ status: { conditions: [condition] } })]);
}
