import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-node';
import type { Logger } from './logger.js';
import type { SpanMetrics } from './span-metrics.js';

export interface RemoteExporter extends SpanExporter {
  /** Gives up what is under way: `shutdown` waits for answers that may never come. */
  hangUp?(): void;
}

export interface ObservedExporterDeps {
  /** As in OTEL_TRACES_EXPORTER. */
  readonly name: string;
  readonly metrics: SpanMetrics;
  readonly logger: Pick<Logger, 'info' | 'warn'> | undefined;
}

type Done = Parameters<SpanExporter['export']>[1];

/** Exports under way at once. A backend that hangs must not collect spans in our memory. */
const concurrencyLimit = 8;

/** Counts what an exporter exports, and says once that it fails and once that it works again. */
export class ObservedExporter implements RemoteExporter {
  readonly #exporter: RemoteExporter;
  readonly #deps: ObservedExporterDeps;
  #failing = false;
  #underWay = 0;
  #onIdle: () => void = () => undefined;

  constructor(exporter: RemoteExporter, deps: ObservedExporterDeps) {
    this.#exporter = exporter;
    this.#deps = deps;
  }

  export(spans: ReadableSpan[], done: Done): void {
    this.#deps.metrics.processed(spans.length, '');
    if (this.#underWay >= concurrencyLimit) {
      this.#settle(spans.length, { code: failed, error: new Error('too many exports hang') }, done);
      return;
    }
    this.#underWay += 1;
    this.#exporter.export(spans, (result) => {
      this.#underWay -= 1;
      this.#settle(spans.length, result, done);
      if (this.#underWay === 0) this.#onIdle();
    });
  }

  async forceFlush(): Promise<void> {
    await this.#exporter.forceFlush?.();
  }

  /** Waits for what is under way: the batch processor does not, and closing would lose it. */
  async shutdown(): Promise<void> {
    if (this.#underWay > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve));
    await this.#exporter.shutdown();
  }

  hangUp(): void {
    this.#exporter.hangUp?.();
  }

  #settle(count: number, result: Parameters<Done>[0], done: Done): void {
    const isFailure = (result.code as number) === failed;
    this.#deps.metrics.exported(count, isFailure ? 'export_failed' : '');
    // A batch holds spans of many traces, and is sent from within whichever call filled it.
    context.with(ROOT_CONTEXT, () => this.#tell(isFailure, result.error));
    this.#failing = isFailure;
    done(result);
  }

  #tell(isFailure: boolean, error: Error | undefined): void {
    const { name, logger } = this.#deps;
    if (isFailure && !this.#failing)
      logger?.warn({ exporter: name, reason: error?.message }, 'spans cannot be exported and are lost');
    if (!isFailure && this.#failing) logger?.info({ exporter: name }, 'spans are exported again');
  }
}

/** `ExportResultCode.FAILED` of `@opentelemetry/core`, which is not ours to import. */
const failed = 1;
