#!/bin/sh
# Stands for docker and a container engine. Writes each call to $ENGINE/calls, with what compose would read from the
# environment. Its answers are files in $ENGINE; a file $ENGINE/fails-<verb> makes that verb fail, with the file's
# text on the standard error stream.
case "$*" in
'compose version'*) verb=version ;;
compose*' build') verb=build ;;
compose*' pull') verb=pull ;;
compose*' up '*) verb=up ;;
compose*' down '*) verb=down ;;
compose*' ps '*) verb='ps' ;;
*) verb=$1 ;;
esac

printf '%s | profiles=%s traces=%s password=%s\n' "$*" "${COMPOSE_PROFILES-unset}" "${OTEL_TRACES_EXPORTER-unset}" \
  "${POSTGRES_PASSWORD-unset}" >>"$ENGINE/calls"

if [ -f "$ENGINE/fails-$verb" ]; then
  cat "$ENGINE/fails-$verb" >&2
  exit 17
fi

case "$verb" in
--version | info | volume | build | pull | up | down) ;;
version | ps) cat "$ENGINE/$verb" ;;
logs) cat "$ENGINE/log-$4" >&2 ;;
*)
  echo "fake docker does not know: $*" >&2
  exit 64
  ;;
esac
