/** The releases of Kubernetes that the manifests are validated against, oldest first. */
export const releases = ['v1.35.4', 'v1.36.3'] as const;

export const newestRelease: string = releases.at(-1) ?? '';
