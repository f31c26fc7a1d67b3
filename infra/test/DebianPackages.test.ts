import { assert, describe, it } from "@effect/vitest"
import { needed, plan, withoutServers } from "../src/servers/DebianPackages.ts"
import { version } from "../src/servers/ServerProgram.ts"

const simulated = `NOTE: This is only a simulation!
Reading package lists...
Inst perl-modules-5.36 (5.36.0-7+deb12u3 Debian:12.15/oldstable [all])
Inst libpq5 [15.18-0+deb12u1] (15.20-0+deb12u1 Debian-Security:12/oldstable-security [amd64]) []
Inst libllvm14 (1:14.0.6-12 Debian:12.15/oldstable [amd64])
Inst libjson-perl (4.10000-1 Debian:12.15/oldstable [all])
Inst postgresql-common (248+deb12u2 Debian-Security:12/oldstable-security [all])
Inst postgresql-client-15 (15.20-0+deb12u1 Debian-Security:12/oldstable-security [amd64])
Inst postgresql-15 (15.20-0+deb12u1 Debian-Security:12/oldstable-security [amd64])
Inst postgresql (15+248+deb12u2 Debian-Security:12/oldstable-security [all])
Conf libpq5 (15.20-0+deb12u1 Debian-Security:12/oldstable-security [amd64])
`

describe("DebianPackages", () => {
  it("reads name and version of what would be installed, each once", () => {
    const planned = plan(simulated)
    assert.strictEqual(planned.length, 8)
    assert.deepStrictEqual(planned[1], { name: "libpq5", version: "15.20-0+deb12u1" })
    assert.deepStrictEqual(planned[2], { name: "libllvm14", version: "1:14.0.6-12" })
  })

  it("keeps the servers and the libraries that they load", () => {
    const names = needed(plan(simulated)).map(({ name }) => name)
    assert.deepStrictEqual(names, ["libpq5", "postgresql-client-15", "postgresql-15"])
  })

  it("plans for a machine without servers", () => {
    const status = "Package: bash\nStatus: ok\n\nPackage: postgresql-15\nStatus: ok\n\nPackage: redis-tools\n"
    assert.strictEqual(withoutServers(status), "Package: bash\nStatus: ok")
  })

  it("reads the version that a server prints", () => {
    assert.deepStrictEqual(version("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"), [15, 18])
    assert.deepStrictEqual(version("postgres (PostgreSQL) 18beta1"), [18, 0])
    assert.deepStrictEqual(version("nats-server: v2.9.10"), [2, 9])
    assert.deepStrictEqual(version("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0"), [7, 0])
  })
})
