import { spawn } from 'node:child_process';
import { openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { ControlPlane } from './control-plane.js';
import { namespace } from './installation.js';
import { fileOf } from './tools.js';

/** What a Secret of cert-manager holds, PEM. */
export interface Issued {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** Runs the controller of cert-manager; its kinds must be there. Returns what ends it. */
export function startCertManager({ folder, kubeconfig }: ControlPlane): () => Promise<void> {
  const log = openSync(path.join(folder, 'cert-manager.log'), 'w');
  const child = spawn(fileOf('cert-manager-controller', 'cert-manager-controller'), [kubeconfig], {
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

/** Waits until every Certificate is ready; fails with the end of the controller's log. */
export function awaitCertificates(cluster: ControlPlane): void {
  const every = ['--for=condition=Ready', 'certificate', '--all', '-n', namespace];
  try {
    cluster.kubectl(['wait', '--timeout=90s', ...every]);
  } catch (error) {
    const log = readFileSync(path.join(cluster.folder, 'cert-manager.log'), 'utf8').trimEnd();
    throw new Error(log.split('\n').slice(-10).join('\n'), { cause: error });
  }
}

/** What pods of `name` find in /etc/tls. */
export function issuedTo(cluster: ControlPlane, name: string, secretName = `${name}-tls`): Issued {
  const secret = cluster.kubectl(['get', 'secret', secretName, '-n', namespace, '-o', 'json']);
  const { data } = JSON.parse(secret) as { readonly data: Readonly<Record<string, string>> };
  const text = (file: string): string => Buffer.from(data[file] ?? '', 'base64').toString();
  return { cert: text('tls.crt'), key: text('tls.key'), ca: text('ca.crt') };
}

/** Has a certificate issued again, as `cmctl renew` does. */
export function renew(cluster: ControlPlane, name: string): void {
  const condition = { type: 'Issuing', status: 'True', reason: 'ManuallyTriggered', message: 'by a test' };
  const place = ['certificate', name, '-n', namespace, '--subresource=status', '--type=merge'];
  cluster.kubectl(['patch', ...place, '-p', JSON.stringify({ status: { conditions: [condition] } })]);
}
