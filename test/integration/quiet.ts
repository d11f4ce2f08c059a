/** Settings of a service under test: free ports, no log, patience with a slow machine. */
export const quiet = {
  GRPC_PORT: '0',
  METRICS_PORT: '0',
  LOG_LEVEL: 'silent',
  SHUTDOWN_TIMEOUT: '1s',
  DATABASE_CONNECT_TIMEOUT: '30s',
  DATABASE_STATEMENT_TIMEOUT: '30s',
};
