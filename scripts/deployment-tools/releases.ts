/** The releases of Kubernetes that the manifests are validated against: the oldest that will do, and the two newest. */
export const releases = ['v1.30.14', 'v1.35.4', 'v1.36.3'] as const;

export const newestRelease: string = releases.at(-1) ?? '';

/** Of cert-manager. */
export const certManagerRelease = 'v1.21.2';
