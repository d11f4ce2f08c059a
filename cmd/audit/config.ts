import { readSettings, type Environment } from '../../pkg/config/index.js';
import { addressSettings, tlsFiles, tlsFileSettings, type TlsFiles } from '../../pkg/rpc/index.js';
import type { Addresses } from './services.js';

const { ORDER_SERVICE_ADDR, INVENTORY_SERVICE_ADDR, PAYMENT_SERVICE_ADDR } = addressSettings;

export const auditSettings = {
  ORDER_SERVICE_ADDR,
  INVENTORY_SERVICE_ADDR,
  PAYMENT_SERVICE_ADDR,
  ...tlsFileSettings,
};

export interface AuditConfig {
  readonly addresses: Addresses;
  /** Undefined when the connections are not encrypted. */
  readonly tls: TlsFiles | undefined;
}

/** @throws ConfigError */
export function loadAuditConfig(env: Environment): AuditConfig {
  const values = readSettings(env, auditSettings);
  return {
    addresses: {
      order: values.ORDER_SERVICE_ADDR,
      inventory: values.INVENTORY_SERVICE_ADDR,
      payment: values.PAYMENT_SERVICE_ADDR,
    },
    tls: tlsFiles(values),
  };
}
