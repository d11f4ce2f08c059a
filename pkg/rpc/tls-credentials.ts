import { experimental, ServerCredentials, type ChannelCredentials } from '@grpc/grpc-js';
import type { TlsMaterial } from './tls-material.js';

type CaListener = experimental.CaCertificateUpdateListener;
type IdentityListener = experimental.IdentityCertificateUpdateListener;

/** Longest time for a handshake, milliseconds; Node's default is two minutes. */
const handshakeTimeoutMs = 10_000;

/** Every client must have a certificate of a trusted CA; new handshakes use the newest material. */
export class MutualTlsServerCredentials extends ServerCredentials {
  constructor(material: TlsMaterial) {
    super(
      { requestCert: true, rejectUnauthorized: true, handshakeTimeout: handshakeTimeoutMs },
      contextOptions(material),
    );
  }

  update(material: TlsMaterial): void {
    this.updateSecureContextOptions(contextOptions(material));
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

function contextOptions({ cert, key, ca }: TlsMaterial) {
  return { cert: [cert], key: [key], ca, minVersion: 'TLSv1.3' as const };
}

/**
 * Hands the newest material to channels. The provider of grpc-js that watches files by itself takes a
 * half-written or mismatching pair as it is, and drops all connections when a file is gone for a moment.
 */
export class MaterialProvider implements experimental.CertificateProvider {
  readonly #caListeners = new Set<CaListener>();
  readonly #identityListeners = new Set<IdentityListener>();
  #material: TlsMaterial;

  constructor(material: TlsMaterial) {
    this.#material = material;
  }

  credentials(): ChannelCredentials {
    return experimental.createCertificateProviderChannelCredentials(this, this);
  }

  update(material: TlsMaterial): void {
    this.#material = material;
    for (const listener of this.#caListeners) this.#tellCa(listener);
    for (const listener of this.#identityListeners) this.#tellIdentity(listener);
  }

  addCaCertificateListener(listener: CaListener): void {
    this.#caListeners.add(listener);
    process.nextTick(() => this.#tellCa(listener));
  }

  removeCaCertificateListener(listener: CaListener): void {
    this.#caListeners.delete(listener);
  }

  addIdentityCertificateListener(listener: IdentityListener): void {
    this.#identityListeners.add(listener);
    process.nextTick(() => this.#tellIdentity(listener));
  }

  removeIdentityCertificateListener(listener: IdentityListener): void {
    this.#identityListeners.delete(listener);
  }

  #tellCa(listener: CaListener): void {
    listener({ caCertificate: this.#material.ca });
  }

  #tellIdentity(listener: IdentityListener): void {
    listener({ certificate: this.#material.cert, privateKey: this.#material.key });
  }
}
