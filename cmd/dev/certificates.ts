import { existsSync } from 'node:fs';
import path from 'node:path';
import { text } from '../../pkg/config/index.js';
import type { TlsFiles } from '../../pkg/rpc/tls-config.js';
import { DevError } from './dev-error.js';
import type { ServiceName } from './protocol.js';

/** A process that has a certificate. */
export type Certified = ServiceName | 'test-client';

export const tlsDirSetting = text({
  default: '',
  help: 'Folder that `make dev-certs` filled; set, everything that `dev` runs uses mutual TLS',
});

/** Who calls what, and nothing more. */
export const allowedClients = [
  'order-service=' +
    [
      'inventory.v1.InventoryService/ReserveStock',
      'inventory.v1.InventoryService/CommitReservation',
      'inventory.v1.InventoryService/ReleaseReservation',
      'payment.v1.PaymentService/AuthorizePayment',
      'payment.v1.PaymentService/CapturePayment',
      'payment.v1.PaymentService/VoidPayment',
      'payment.v1.PaymentService/GetPayment',
      'payment.v1.PaymentService/RefundPayment',
      'catalog.v1.CatalogService/BatchGetProducts',
    ].join(','),
  'test-client=*',
].join(';');

/** Where the certificate of a process lies in a folder of all; as Kubernetes mounts them. */
export function certificateOf(process: Certified, folder: string): TlsFiles {
  const file = (name: string): string => path.resolve(folder, process, name);
  return { cert: file('tls.crt'), key: file('tls.key'), ca: file('ca.crt') };
}

/** The same as settings, unset without a folder: the certificate of whoever starts `dev` is not theirs. */
export function tlsVariables(service: ServiceName, folder: string | undefined): Record<string, string> {
  if (folder === undefined)
    return { TLS_CERT_FILE: '', TLS_KEY_FILE: '', TLS_CA_FILE: '', TLS_ALLOWED_CLIENTS: '' };
  const { cert, key, ca } = certificateOf(service, folder);
  return { TLS_CERT_FILE: cert, TLS_KEY_FILE: key, TLS_CA_FILE: ca, TLS_ALLOWED_CLIENTS: allowedClients };
}

/** @throws DevError that says how to get them */
export function assertCertificates(folder: string): void {
  if (existsSync(certificateOf('order-service', folder).cert)) return;
  throw new DevError(`there are no certificates in ${folder}; \`make dev-certs\` makes them`);
}
