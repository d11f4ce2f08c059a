import { DeployError, type Kubectl } from './kubectl.js';

export const overlays = ['dev', 'staging', 'production'];

/** A ConfigMap in the cluster that says which overlay it was brought to. */
const recordName = 'order-processing-deployment';

interface Target {
  readonly kubectl: Kubectl;
  readonly namespace: string;
}

/** Undefined where nothing is deployed, or only by a version of this program that kept no record. */
export function recordedOverlay({ kubectl, namespace }: Target): string | undefined {
  const found = kubectl.get('configmap', recordName, namespace);
  return (found as { readonly data?: { readonly overlay?: string } } | undefined)?.data?.overlay;
}

export function overlayRecord(overlay: string, namespace: string) {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: recordName, namespace },
    data: { overlay },
  };
}

/**
 * All overlays share a namespace: one that is deployed over another replaces it.
 * @throws DeployError when the cluster has another overlay and `confirmed` does not name that one
 */
export function assertSameOverlay(target: Target, overlay: string, confirmed = ''): void {
  const recorded = recordedOverlay(target);
  if (recorded === undefined || recorded === overlay || recorded === confirmed) return;
  throw new DeployError(
    `the cluster has the overlay ${recorded}, not ${overlay}: choose it with OVERLAY=${recorded}, or put ` +
      `${overlay} in its place with CONFIRM=${recorded}`,
  );
}

/** @throws DeployError when the cluster has another overlay, or one whose loss was not confirmed */
export function assertRemovable(target: Target, overlay: string, confirmed = ''): void {
  const { namespace } = target;
  const recorded = recordedOverlay(target);
  if (recorded !== undefined && recorded !== overlay)
    throw new DeployError(
      `the cluster has the overlay ${recorded}, not ${overlay}: to remove it say OVERLAY=${recorded}`,
    );
  if (overlay !== 'dev' && confirmed !== namespace)
    throw new DeployError(
      `this removes ${overlay} and what is stored in it: say so with CONFIRM=${namespace}`,
    );
}
