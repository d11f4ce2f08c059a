import { ServerInterceptingCall, ServerListenerBuilder, type ServerInterceptor } from '@grpc/grpc-js';
import { currentCall, type CallRecord } from './call-record.js';
import { MessageCounts } from './message-counts.js';

/** Counts the messages of streams on their server span. Goes after the logging interceptor, whose record it uses. */
export function messageCountServerInterceptor(): ServerInterceptor {
  return (definition, call) => {
    const { requestStream, responseStream } = definition;
    // What grpc-js hands on is all it asks for; another wrapper would only cost.
    if (!requestStream && !responseStream) return call as ServerInterceptingCall;
    const counts = new MessageCounts({ incoming: requestStream, outgoing: responseStream });
    let record: CallRecord | undefined;
    const listener = new ServerListenerBuilder()
      .withOnReceiveMetadata((metadata, next) => {
        record = currentCall();
        if (record) record.messages = counts;
        next(metadata);
      })
      .withOnReceiveMessage((message, next) => {
        counts.received(record?.span);
        next(message);
      })
      .build();
    return new ServerInterceptingCall(call, {
      start: (next) => next(listener),
      sendMessage: (message, next) => {
        counts.sent(record?.span);
        next(message);
      },
    });
  };
}
