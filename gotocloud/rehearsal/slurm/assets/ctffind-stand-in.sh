#!/bin/sh
# A stand-in for CTFFIND 4, which Debian does not have. It measures nothing: it reads what RELION
# types into CTFFIND and returns the middle of the defocus range, in CTFFIND's format.
set -eu
read -r micrograph
read -r diagnostic
read -r pixel
read -r voltage
read -r cs
read -r amplitude
read -r _box
read -r least_resolution
read -r _best_resolution
read -r least
read -r largest
cat >/dev/null
defocus=$(awk "BEGIN { print ($least + $largest) / 2 }")
summary=${diagnostic%.*}.txt
cp "$micrograph" "$diagnostic"
cat >"$summary" <<END
# Stand-in for CTFFIND of a rehearsal: nothing was measured
# Input file: $micrograph ; Number of micrographs: 1
# Pixel size: $pixel Angstroms ; acceleration voltage: $voltage keV ; spherical aberration: $cs mm ; amplitude contrast: $amplitude
# Box size: 512 pixels ; min. res.: $least_resolution Angstroms
# Columns: #1 - micrograph number; #2 - defocus 1 [Angstroms]; #3 - defocus 2; #4 - azimuth; #5 - phase shift; #6 - cross correlation; #7 - spacing
1.000000 $defocus $defocus 0.000000 0.000000 0.100000 8.000000
END
echo "Summary of results                          : $summary"
