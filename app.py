from gotocloud.app import main

raise SystemExit(main())
