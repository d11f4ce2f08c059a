import { DeployError, type Kubectl } from './kubectl.js';

export const overlays = ['dev', 'staging', 'production'];

/** Name of the ConfigMap that records which overlay is deployed. */
const recordName = 'order-processing-deployment';

interface Target {
  readonly kubectl: Kubectl;
  readonly namespace: string;
}

/** Returns the name of the deployed overlay, or undefined when the cluster has no record. */
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
 * All overlays share one namespace, so a deployment could replace another overlay.
 * @throws DeployError when the cluster has another overlay and `confirmed` does not name the overlay in the cluster
 */
export function assertSameOverlay(target: Target, overlay: string, confirmed = ''): void {
  const recorded = recordedOverlay(target);
  if (recorded === undefined || recorded === overlay || recorded === confirmed) return;
  throw new DeployError(
    `the cluster has the overlay ${recorded}, not ${overlay}: choose it with OVERLAY=${recorded}, or replace it ` +
      `by ${overlay} with CONFIRM=${recorded}`,
  );
}

/** @throws DeployError when the cluster has another overlay, or when the overlay is not dev and `confirmed` is not the namespace */
export function assertRemovable(target: Target, overlay: string, confirmed = ''): void {
  const { namespace } = target;
  const recorded = recordedOverlay(target);
  if (recorded !== undefined && recorded !== overlay)
    throw new DeployError(
      `the cluster has the overlay ${recorded}, not ${overlay}: to remove it set OVERLAY=${recorded}`,
    );
  if (overlay !== 'dev' && confirmed !== namespace)
    throw new DeployError(`this removes ${overlay} and its data: confirm with CONFIRM=${namespace}`);
}
