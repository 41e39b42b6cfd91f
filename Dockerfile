# The service in a container; it needs the source tree and nothing else:
#   docker build -t griya .
#   docker run -p 8080:8080 -v griya:/var/lib/griya griya
FROM rust:1.95.0-slim-bookworm AS build
WORKDIR /source
COPY . .
ARG SOURCE_DATE_EPOCH=0
RUN SOURCE_DATE_EPOCH=$SOURCE_DATE_EPOCH packaging/build

FROM debian:bookworm-slim
# Whom it trusts when it calls others: webhooks, the S3 server, e-mail.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /source/target/release/griya /usr/bin/griya
COPY --from=build /source/LICENSE /source/LICENSE-DATA /source/fixtures/data/NOTICE-areas.txt /usr/share/doc/griya/
RUN install -d -o 10001 -g 10001 -m 0750 /var/lib/griya
ENV GRIYA_DATA_DIR=/var/lib/griya GRIYA_LISTEN=0.0.0.0:8080 GRIYA_LOG_FORMAT=json
VOLUME /var/lib/griya
EXPOSE 8080
USER 10001:10001
# It runs; whether it is ready, /health/ready says to whoever balances. Where the service does TLS
# itself, or listens elsewhere, this has to be another.
HEALTHCHECK --start-period=60s --interval=10s --timeout=3s \
  CMD ["/bin/bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /health/live HTTP/1.1\\r\\nHost: griya\\r\\nConnection: close\\r\\n\\r\\n' >&3 && read -r _ status _ <&3 && [ \"$status\" = 200 ]"]
ENTRYPOINT ["/usr/bin/griya"]
CMD ["serve"]
