/** Settings of a service under test, with free ports, long database timeouts and no log. */
export const testSettings = {
  GRPC_PORT: '0',
  METRICS_PORT: '0',
  LOG_LEVEL: 'silent',
  SHUTDOWN_TIMEOUT: '1s',
  DATABASE_CONNECT_TIMEOUT: '30s',
  DATABASE_STATEMENT_TIMEOUT: '30s',
};
