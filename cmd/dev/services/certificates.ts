import { existsSync } from 'node:fs';
import path from 'node:path';
import { text } from '../../../pkg/config/index.js';
import type { TlsFiles } from '../../../pkg/rpc/index.js';
import { DevError } from '../errors.js';
import type { ServiceName } from '../supervisor/protocol.js';

/** A process that has its own certificate. */
export type CertifiedProcess = ServiceName | 'test-client';

export const tlsDirSetting = text({
  default: '',
  help: 'Folder that `make dev-certs` filled; when set, all processes of `dev` use mutual TLS',
});

/** Value of TLS_ALLOWED_CLIENTS: the methods that each client may call. */
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
      'payment.v1.PaymentService/CancelRefund',
      'payment.v1.PaymentService/RecordExternalRefund',
      'catalog.v1.CatalogService/BatchGetProducts',
    ].join(','),
  'test-client=*',
].join(';');

/** Returns the certificate files of one process. The file names are the same as in Kubernetes. */
export function certificateOf(process: CertifiedProcess, folder: string): TlsFiles {
  const file = (name: string): string => path.resolve(folder, process, name);
  return { cert: file('tls.crt'), key: file('tls.key'), ca: file('ca.crt') };
}

/**
 * Returns the TLS settings of a service. Without a folder the settings are empty, so that the service
 * does not inherit the TLS settings of `dev`.
 */
export function tlsVariables(service: ServiceName, folder: string | undefined): Record<string, string> {
  if (folder === undefined)
    return { TLS_CERT_FILE: '', TLS_KEY_FILE: '', TLS_CA_FILE: '', TLS_ALLOWED_CLIENTS: '' };
  const { cert, key, ca } = certificateOf(service, folder);
  return { TLS_CERT_FILE: cert, TLS_KEY_FILE: key, TLS_CA_FILE: ca, TLS_ALLOWED_CLIENTS: allowedClients };
}

/** @throws DevError when the folder does not contain the certificate of the order service */
export function assertCertificates(folder: string): void {
  if (existsSync(certificateOf('order-service', folder).cert)) return;
  throw new DevError(`there are no certificates in ${folder}; \`make dev-certs\` creates them`);
}
