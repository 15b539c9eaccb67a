# Sourced by the servers that are a Keycloak.

version=26.7.3
sha256=27a6535553c3cdcd083872ba40629efafb3475e3b758e0c6f691395561dd0f1f
options=(--db=dev-mem --https-client-auth=request --features=client-secret-rotation)
dist=keycloak-$version-$(digest <(echo "${options[@]}"))

# In place of kc.sh's own choice, which takes half of the machine's memory.
export JAVA_OPTS="-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xms64m -Xmx192m -XX:MaxMetaspaceSize=256m
 -Dfile.encoding=UTF-8 -Djava.security.egd=file:/dev/urandom -XX:+ExitOnOutOfMemoryError"

fill() {
  mvn -B -q org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy \
    -Dartifact=org.keycloak:keycloak-quarkus-dist:$version:zip -DoutputDirectory="$1" &&
    echo "$sha256  $1/keycloak-quarkus-dist-$version.zip" | sha256sum --check --quiet &&
    unzip -q "$1/keycloak-quarkus-dist-$version.zip" -d "$1" &&
    rm "$1/keycloak-quarkus-dist-$version.zip" &&
    "$1/keycloak-$version/bin/kc.sh" build "${options[@]}"
}

install_keycloak() {
  need_tool java openjdk-17-jre-headless
  need_tool mvn maven
  need_tool unzip unzip
  cached "$dist" fill || skip "Keycloak $version could not be fetched from Maven or built"
}

# What the server is started under.
under=()

# start_keycloak DIR REALMS HTTP_PORT OPTION...: with these realms, until it answers for each.
start_keycloak() {
  local dir=$1 realms=$2 http=$3 home=$CREDWATCH_TEST_CACHE/$dist/keycloak-$version name
  shift 3
  # Its own copy of what a run writes, so that two runs never meet in the cache.
  mkdir -p "$dir/kc/bin" "$dir/kc/data/import"
  cp "$home/bin/kc.sh" "$dir/kc/bin/"
  cp -r "$home/conf" "$dir/kc/"
  ln -s "$home"/{lib,providers,themes} "$dir/kc/"
  for name in $realms; do
    cp "$TESTS/servers/keycloak.d/$name.json" "$dir/kc/data/import/$name-realm.json"
  done
  # Without --cache=local it listens on every address of the machine.
  start_process "$dir" keycloak "${under[@]}" "$dir/kc/bin/kc.sh" start --optimized --import-realm --cache=local \
    --hostname-strict=false --http-host=127.0.0.1 --http-enabled=true --http-port="$http" "$@"
  for name in $realms; do
    wait_http "http://127.0.0.1:$http/realms/$name" 180 "$dir" keycloak
  done
}

stop() {
  stop_process "$1" keycloak 20
}
