"""Module files for Environment Modules, made from a catalogue: values in, text out.

A version with builds for several kinds of hardware gets a module for each of them
("relion/5.0.1-sm86") and one that chooses on the node ("relion/5.0.1"): by the instance type
where the environment holds it, else by the GPU that answers, else by what the processor can do.
A build that is not installed is passed over for the next best one, with a word on stderr.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gotocloud.software.catalogue import Build, Catalogue, Package, Version
from gotocloud.software.layout import WEIGHTS

INSTANCE_TYPE_VARIABLE = "GOTOCLOUD_INSTANCE_TYPE"
"""The machine for the chooser; a batch script may set it."""

CPUINFO = "/proc/cpuinfo"

STANDARD = ("/", "/usr", "/usr/local")
"""Where a machine's own programs are: on PATH already, behind what should hide them."""

MAGIC = "#%Module1.0"

_CHOOSE = """\
# Builds of CUDA architectures up to $arch, the newest first, then those of the processor.
proc gotocloud_fitting {builds arch cpuinfo} {
    set fitting {}
    foreach build $builds {
        lassign $build name needs_arch needs_flag folder
        if {$needs_arch ne {} && $needs_arch <= $arch} { lappend fitting $build }
    }
    set flags {}
    if {![catch {open $cpuinfo} file]} {
        regexp -line {^flags\\s*:(.*)$} [read $file] whole flags
        close $file
    }
    foreach build $builds {
        lassign $build name needs_arch needs_flag folder
        if {$needs_arch eq {} && $needs_flag in $flags} { lappend fitting $build }
    }
    return $fitting
}

# Compute capability of the weakest GPU without its dot: 86; 0 without a GPU.
proc gotocloud_gpu {} {
    set weakest 0
    if {[auto_execok nvidia-smi] eq {}
            || [catch {
                exec nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null
            } answer]} {
        return 0
    }
    foreach line [split $answer "\\n"] {
        if {[regexp {^\\s*(\\d+)\\.(\\d+)\\s*$} $line whole major minor]} {
            set arch [expr {$major * 10 + $minor}]
            if {!$weakest || $arch < $weakest} { set weakest $arch }
        }
    }
    return $weakest
}

if {[module-info mode unload] && [info exists ::env($chosen_variable)]} {
    set names [list $::env($chosen_variable)]
} else {
    set names {}
    if {[info exists ::env(@INSTANCE@)]} {
        set family [lindex [split $::env(@INSTANCE@) .] 0]
        if {[dict exists $families $family]} { set names [dict get $families $family] }
    }
    if {$names eq {}} {
        set arch 0
        if {![module-info mode whatis] && ![module-info mode help]} { set arch [gotocloud_gpu] }
        foreach build [gotocloud_fitting $builds $arch $cpuinfo] {
            lappend names [lindex $build 0]
        }
    }
}
set chosen {}
foreach name $names {
    foreach build $builds {
        lassign $build build_name needs_arch needs_flag folder
        if {$chosen eq {} && $build_name eq $name && [file executable $folder/bin/$main]} {
            set chosen $name
            set prefix $folder
        }
    }
}
if {$chosen eq {}} {
    if {[module-info mode load]} {
        set there {}
        foreach build $builds {
            if {[file executable [lindex $build 3]/bin/$main]} { lappend there [lindex $build 0] }
        }
        if {$names eq {}} { set names {none at all} }
        if {$there eq {}} { set there {none} }
        puts stderr "$module: no build for this machine is installed. It could run: [join $names\
 {, }]. Installed: [join $there {, }]. Next: gotocloud software check"
        break
    }
    set chosen none
    set prefix {}
}
if {[module-info mode load] && $chosen ne [lindex $names 0]} {
    puts stderr "$module: the build [lindex $names 0], which suits this machine best, is not\
 installed; $chosen is used. Next: gotocloud software check"
}
"""

_THERE = """\
if {[module-info mode load] && ![file executable $prefix/bin/$main]} {
    puts stderr "$module is not installed: there is no $prefix/bin/$main.\
 Next: gotocloud software check"
    break
}
"""

_FLAG = """\
if {[module-info mode load] && ![catch {open $cpuinfo} file]} {
    set flags {}
    regexp -line {^flags\\s*:(.*)$} [read $file] whole flags
    close $file
    if {$needs_flag ni $flags} {
        puts stderr "$module needs a processor with $needs_flag, which this machine has not.\
 Next: module load $chooser"
        break
    }
}
"""


def module_files(catalogue: Catalogue, *, cpuinfo: str = CPUINFO) -> dict[str, str]:
    """Every module file of a catalogue, by its path in the tree.

    Args:
        cpuinfo: Where nodes read what their processor can do.
    """
    files = {}
    for package in catalogue.packages.values():
        for version in package.versions.values():
            name = f"{package.name}/{version.number}"
            if version.builds:
                files[name] = _chooser(catalogue, package, version, cpuinfo)
            else:
                prefix = catalogue.prefix(package.name, version, None)
                files[name] = _file(catalogue, package, version, name, prefix)
            for build_name in version.builds:
                build = catalogue.builds[build_name]
                files[f"{name}-{build_name}"] = _one_build(
                    catalogue, package, version, build, cpuinfo
                )
        files[f"{package.name}/.modulerc"] = (
            f"{MAGIC}\nmodule-version {package.name}/{package.default} default\n"
        )
    return files


def tcl(value: str) -> str:
    """A value as one word of Tcl."""
    if value and all(each.isalnum() or each in "/._-+:@%," for each in value):
        return value
    special = set('\\{}[]$"; ')
    if not set(value) & set("\\{}\n"):
        return "{" + value + "}"
    return "".join(
        "\\n" if each == "\n" else "\\" + each if each in special else each for each in value
    )


def _chooser(catalogue: Catalogue, package: Package, version: Version, cpuinfo: str) -> str:
    name = f"{package.name}/{version.number}"
    listed = [
        (build, catalogue.prefix(package.name, version, build.name))
        for build in (catalogue.builds[each] for each in version.builds)
    ]
    # Tcl compares in this order, so the newest CUDA architecture comes first.
    listed.sort(key=lambda pair: -(pair[0].cuda_arch or 0))
    builds = _list(
        _list(map(tcl, (each.name, str(each.cuda_arch or ""), each.cpu_flag, folder)))
        for each, folder in listed
    )
    values = {
        "builds": builds,
        "families": _families(catalogue, version),
        "cpuinfo": tcl(cpuinfo),
        "chosen_variable": _variable(package),
    }
    return _file(
        catalogue,
        package,
        version,
        name,
        None,
        values=values,
        body=_CHOOSE.replace("@INSTANCE@", INSTANCE_TYPE_VARIABLE),
    )


def _one_build(
    catalogue: Catalogue, package: Package, version: Version, build: Build, cpuinfo: str
) -> str:
    chooser = f"{package.name}/{version.number}"
    prefix = catalogue.prefix(package.name, version, build.name)
    values, body = {}, ""
    if build.cpu_flag:
        values = {"needs_flag": build.cpu_flag, "cpuinfo": tcl(cpuinfo), "chooser": tcl(chooser)}
        body = _FLAG
    name = f"{chooser}-{build.name}"
    return _file(catalogue, package, version, name, prefix, values=values, body=body, build=build)


def _file(
    catalogue: Catalogue,
    package: Package,
    version: Version,
    name: str,
    prefix: str | None,
    *,
    values: Mapping[str, str] | None = None,
    body: str = "",
    build: Build | None = None,
) -> str:
    """A module file; without a prefix, its body finds one."""
    chosen = "$chosen" if prefix is None else (build.name if build else "only")
    lines = [
        MAGIC,
        f"# {package.title}.",
        "# Written by gotocloud from its software catalogue; changes are lost.",
        f"module-whatis {tcl(_whatis(package, version, name, prefix))}",
        f"conflict {package.name}",
        f"set module {tcl(name)}",
        f"set main {tcl(package.executables[0])}",
        *([f"set prefix {tcl(prefix)}"] if prefix is not None else []),
        *(f"set {key} {value}" for key, value in (values or {}).items()),
        body + ("" if prefix is None else _THERE),
        *_mpi(catalogue),
        *([] if prefix in STANDARD else ["prepend-path PATH $prefix/bin"]),
        f"setenv {_variable(package)} {chosen}",
        *_finds(catalogue, package),
        *_python(version),
        "",
    ]
    return "\n".join(lines)


def _whatis(package: Package, version: Version, name: str, prefix: str | None) -> str:
    how = "the build is chosen on the node" if prefix is None else f"in {prefix}"
    note = f" Licence: {package.licence}".rstrip(".")
    return f"{package.title}. {name}, {how}.{note}."


def _mpi(catalogue: Catalogue) -> list[str]:
    if catalogue.mpi is None:
        return []
    folder = tcl(f"{catalogue.mpi.prefix}/bin")
    return [f"if {{[file isdirectory {folder}]}} {{ prepend-path PATH {folder} }}"]


def _finds(catalogue: Catalogue, package: Package) -> list[str]:
    """Variables that name executables of other packages, where those are installed."""
    lines = []
    for variable, executable in package.finds.items():
        for other in catalogue.packages.values():
            version = other.version()
            if executable in other.executables and not version.builds:
                path = tcl(f"{catalogue.prefix(other.name, version, None)}/bin/{executable}")
                lines.append(f"if {{[file executable {path}]}} {{ setenv {variable} {path} }}")
    return lines


def _python(version: Version) -> list[str]:
    """The Python modules that RELION calls, and where it looks for network weights.

    Without TORCH_HOME it would look in each scientist's home (3dem/relion #1072, #1214).
    """
    if not version.python:
        return []
    return [
        f"prepend-path PYTHONPATH $prefix/lib/python{version.python}/site-packages",
        f"setenv TORCH_HOME $prefix/{WEIGHTS}",
    ]


def _families(catalogue: Catalogue, version: Version) -> str:
    """Instance family -> its builds, the best first, as a Tcl dictionary."""
    words: list[str] = []
    for name in catalogue.families:
        fitting = catalogue.fitting(version, name)
        if fitting:
            words += (name, _list(each.name for each in fitting))
    return _list(words)


def _list(words: Iterable[str]) -> str:
    return "{" + " ".join(words) + "}"


def _variable(package: Package) -> str:
    name = "".join(each if each.isalnum() else "_" for each in package.name.upper())
    return f"GOTOCLOUD_{name}_BUILD"
